/* spirv_access.c - walks a SPIR-V module and notes which storage buffers are loaded
 * from and stored to. Numbers are those of the SPIR-V specification, section 3. */
#include "spirv_access.h"

#include <stdlib.h>
#include <string.h>

enum {
    OP_TYPE_STRUCT = 30,
    OP_TYPE_ARRAY = 28,
    OP_TYPE_RUNTIME_ARRAY = 29,
    OP_TYPE_POINTER = 32,
    OP_FUNCTION_CALL = 57,
    OP_VARIABLE = 59,
    OP_LOAD = 61,
    OP_STORE = 62,
    OP_COPY_MEMORY = 63,
    OP_ACCESS_CHAIN = 65,
    OP_IN_BOUNDS_ACCESS_CHAIN = 66,
    OP_PTR_ACCESS_CHAIN = 67,
    OP_DECORATE = 71,
    OP_MEMBER_DECORATE = 72,
    OP_COPY_OBJECT = 83,
    OP_ATOMIC_LOAD = 227,
    OP_ATOMIC_STORE = 228,
    OP_ATOMIC_EXCHANGE = 229,
    OP_ATOMIC_XOR = 242,
    BLOCK_OF_BUFFER = 3,
    NON_WRITABLE = 24,
    NON_READABLE = 25,
    BINDING = 33,
    SET = 34,
    CLASS_UNIFORM = 2,
    CLASS_STORAGE_BUFFER = 12
};

/* What is known of one id. */
struct id {
    uint32_t root;   /* pointers: the variable they lead to; 0 = none */
    uint32_t points; /* pointer types and variables: what they point to */
    uint32_t n_member, n_readonly, n_writeonly; /* structs */
    struct spirv_buffer use;
    bool is_buffer, is_buffer_block;
};

struct module {
    struct id *id;
    uint32_t n_id;
};

/* A word as an id; 0, which is no id, when it is out of range. */
static struct id *at(struct module *m, uint32_t id)
{
    return &m->id[id < m->n_id ? id : 0];
}

static void mark(struct module *m, uint32_t pointer, bool reads, bool writes)
{
    struct id *root = at(m, at(m, pointer)->root);
    root->use.reads |= reads;
    root->use.writes |= writes;
}

static void decorate(struct module *m, const uint32_t *w, uint32_t n)
{
    struct id *id = at(m, w[1]);
    const uint32_t value = n > 3 ? w[3] : 0;
    switch (w[2]) {
    case BLOCK_OF_BUFFER:
        id->is_buffer_block = true;
        break;
    case NON_WRITABLE:
        id->use.readonly = true;
        break;
    case NON_READABLE:
        id->use.writeonly = true;
        break;
    case BINDING:
        id->use.binding = value;
        break;
    case SET:
        id->use.set = value;
        break;
    default:
        break;
    }
}

static void declare(struct module *m, uint32_t op, const uint32_t *w, uint32_t n)
{
    if (op == OP_DECORATE && n >= 3) {
        decorate(m, w, n);
    } else if (op == OP_MEMBER_DECORATE && n >= 4) {
        at(m, w[1])->n_readonly += w[3] == NON_WRITABLE;
        at(m, w[1])->n_writeonly += w[3] == NON_READABLE;
    } else if (op == OP_TYPE_STRUCT && n >= 2) {
        at(m, w[1])->n_member = n - 2;
    } else if ((op == OP_TYPE_ARRAY || op == OP_TYPE_RUNTIME_ARRAY) && n >= 3) {
        at(m, w[1])->points = w[2]; /* an array of buffers leads to its struct */
    } else if (op == OP_TYPE_POINTER && n >= 4) {
        at(m, w[1])->points = w[3];
    } else if (op == OP_VARIABLE && n >= 4) {
        struct id *var = at(m, w[2]);
        var->points = at(m, w[1])->points;
        var->root = w[2];
        if (!at(m, var->points)->n_member)
            var->points = at(m, var->points)->points;
        var->is_buffer = w[3] == CLASS_STORAGE_BUFFER ||
                         (w[3] == CLASS_UNIFORM && at(m, var->points)->is_buffer_block);
    }
}

static void follow(struct module *m, uint32_t op, const uint32_t *w, uint32_t n)
{
    if ((op == OP_ACCESS_CHAIN || op == OP_IN_BOUNDS_ACCESS_CHAIN ||
         op == OP_PTR_ACCESS_CHAIN || op == OP_COPY_OBJECT) &&
        n >= 4) {
        at(m, w[2])->root = at(m, w[3])->root;
    } else if ((op == OP_LOAD || op == OP_ATOMIC_LOAD) && n >= 4) {
        mark(m, w[3], true, false);
    } else if ((op == OP_STORE || op == OP_ATOMIC_STORE) && n >= 3) {
        mark(m, w[1], false, true);
    } else if (op == OP_COPY_MEMORY && n >= 3) {
        mark(m, w[1], false, true);
        mark(m, w[2], true, false);
    } else if (op >= OP_ATOMIC_EXCHANGE && op <= OP_ATOMIC_XOR && n >= 4) {
        mark(m, w[3], true, true);
    } else if (op == OP_FUNCTION_CALL) {
        for (uint32_t i = 4; i < n; i++) /* what the function does is not followed */
            mark(m, w[i], true, true);
    }
}

static bool walk(struct module *m, const uint32_t *word, size_t n_word)
{
    for (size_t i = 5; i < n_word;) {
        const uint32_t n = word[i] >> 16, op = word[i] & 0xffff;
        if (n == 0 || n > n_word - i)
            return false;
        declare(m, op, word + i, n);
        follow(m, op, word + i, n);
        i += n;
    }
    return true;
}

int spirv_buffers(const uint32_t *word, size_t n_word,
                  struct spirv_buffer out[SPIRV_MAX_BUFFER])
{
    if (n_word < 5 || word[0] != 0x07230203 || word[3] == 0 || word[3] > 1u << 24)
        return -1;
    struct module m = {calloc(word[3], sizeof *m.id), word[3]};
    int n = m.id && walk(&m, word, n_word) ? 0 : -1;
    for (uint32_t i = 1; n >= 0 && i < m.n_id; i++) {
        struct id *var = &m.id[i];
        if (!var->is_buffer)
            continue;
        if (n == SPIRV_MAX_BUFFER) {
            n = -1;
            break;
        }
        /* the words stand at the variable, or at every member of its struct */
        const struct id *block = at(&m, var->points);
        var->use.readonly |= block->n_member && block->n_readonly == block->n_member;
        var->use.writeonly |= block->n_member && block->n_writeonly == block->n_member;
        out[n++] = var->use;
    }
    free(m.id);
    return n;
}
