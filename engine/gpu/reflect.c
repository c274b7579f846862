/* reflect.c - one walk over the instructions of a SPIR-V module notes every id;
 * questions about bindings, sizes and constants are then answered from the notes.
 * Source of the numbers: Khronos, SPIR-V Specification 1.6, sections 2.3, 3. */
#include "gpu/reflect.h"

#include <stdlib.h>
#include <string.h>

enum { MAGIC = 0x07230203, HEADER_WORDS = 5, MAX_BOUND = 1 << 20, MAX_DEPTH = 16 };
#define NONE UINT32_MAX

enum op {
    OP_EXECUTION_MODE = 16,
    OP_CAPABILITY = 17,
    OP_TYPE_BOOL = 20,
    OP_TYPE_INT = 21,
    OP_TYPE_FLOAT = 22,
    OP_TYPE_VECTOR = 23,
    OP_TYPE_IMAGE = 25,
    OP_TYPE_SAMPLED_IMAGE = 27,
    OP_TYPE_ARRAY = 28,
    OP_TYPE_RUNTIME_ARRAY = 29,
    OP_TYPE_STRUCT = 30,
    OP_TYPE_POINTER = 32,
    OP_CONSTANT_TRUE = 41,
    OP_CONSTANT_FALSE = 42,
    OP_CONSTANT = 43,
    OP_CONSTANT_COMPOSITE = 44,
    OP_SPEC_CONSTANT_TRUE = 48,
    OP_SPEC_CONSTANT_FALSE = 49,
    OP_SPEC_CONSTANT = 50,
    OP_SPEC_CONSTANT_COMPOSITE = 51,
    OP_SPEC_CONSTANT_OP = 52,
    OP_VARIABLE = 59,
    OP_DECORATE = 71,
    OP_MEMBER_DECORATE = 72,
    OP_FUNCTION = 54,
};

enum decoration {
    DECO_SPEC_ID = 1,
    DECO_BUFFER_BLOCK = 3,
    DECO_ARRAY_STRIDE = 6,
    DECO_BUILTIN = 11,
    DECO_NON_WRITABLE = 24,
    DECO_NON_READABLE = 25,
    DECO_BINDING = 33,
    DECO_SET = 34,
    DECO_OFFSET = 35,
};

enum { BUILTIN_WORKGROUP_SIZE = 25, MODE_LOCAL_SIZE = 17 };

enum storage_class {
    CLASS_UNIFORM_CONSTANT = 0,
    CLASS_UNIFORM = 2,
    CLASS_WORKGROUP = 4,
    CLASS_PUSH_CONSTANT = 9,
    CLASS_STORAGE_BUFFER = 12,
};

/* What the module says of one id. */
struct note {
    const uint32_t *at; /* the instruction that makes it; NULL = none */
    uint32_t n_word;
    uint32_t binding, set, spec_id, array_stride;
    uint32_t n_read_only, n_write_only; /* members so decorated */
    uint32_t last_offset, last_member;  /* the member furthest from the start */
    bool read_only, write_only, buffer_block, workgroup_size;
};

struct module {
    struct note *id;
    uint32_t bound;
    const uint32_t *constant;
    uint32_t n_constant;
    const char *problem;
};

static const char *fail(struct module *m, const char *problem)
{
    if (!m->problem)
        m->problem = problem;
    return m->problem;
}

static uint32_t op_of(const struct note *n)
{
    return n && n->at ? n->at[0] & 0xffffu : 0;
}

static struct note *note(struct module *m, uint32_t id)
{
    if (id < m->bound)
        return &m->id[id];
    fail(m, "an id beyond the bound");
    return &m->id[0];
}

/* ---- notes ------------------------------------------------------------------ */

static void note_decoration(struct note *n, uint32_t decoration, uint32_t operand)
{
    switch (decoration) {
    case DECO_SPEC_ID:
        n->spec_id = operand;
        break;
    case DECO_BUFFER_BLOCK:
        n->buffer_block = true;
        break;
    case DECO_ARRAY_STRIDE:
        n->array_stride = operand;
        break;
    case DECO_BUILTIN:
        n->workgroup_size = n->workgroup_size || operand == BUILTIN_WORKGROUP_SIZE;
        break;
    case DECO_NON_WRITABLE:
        n->read_only = true;
        break;
    case DECO_NON_READABLE:
        n->write_only = true;
        break;
    case DECO_BINDING:
        n->binding = operand;
        break;
    case DECO_SET:
        n->set = operand;
        break;
    default:
        break;
    }
}

static void note_member(struct note *n, uint32_t member, uint32_t decoration,
                        uint32_t operand)
{
    if (decoration == DECO_NON_WRITABLE)
        n->n_read_only++;
    if (decoration == DECO_NON_READABLE)
        n->n_write_only++;
    if (decoration == DECO_OFFSET &&
        (n->last_offset == NONE || operand > n->last_offset)) {
        n->last_offset = operand;
        n->last_member = member;
    }
}

/* Which word of an instruction is the id it makes; 0 = none that we ask for. */
static uint32_t result_word(uint32_t op)
{
    if (op >= OP_TYPE_BOOL && op <= OP_TYPE_POINTER)
        return 1;
    if ((op >= OP_CONSTANT_TRUE && op <= OP_SPEC_CONSTANT_OP) || op == OP_VARIABLE)
        return 2;
    return 0;
}

static void note_instruction(struct module *m, const uint32_t *at, uint32_t n_word,
                             struct gpu_reflection *out)
{
    const uint32_t op = at[0] & 0xffffu;
    if (op == OP_CAPABILITY && n_word >= 2) {
        if (out->n_capability == GPU_MAX_CAPABILITY)
            fail(m, "too many capabilities");
        else
            out->capability[out->n_capability++] = at[1];
    } else if (op == OP_EXECUTION_MODE && n_word >= 6 && at[2] == MODE_LOCAL_SIZE) {
        memcpy(out->local, at + 3, sizeof out->local);
    } else if (op == OP_DECORATE && n_word >= 3) {
        note_decoration(note(m, at[1]), at[2], n_word > 3 ? at[3] : 0);
    } else if (op == OP_MEMBER_DECORATE && n_word >= 4) {
        note_member(note(m, at[1]), at[2], at[3], n_word > 4 ? at[4] : 0);
    }
    const uint32_t word = result_word(op);
    if (word && word < n_word) {
        struct note *n = note(m, at[word]);
        n->at = at;
        n->n_word = n_word;
    }
}

static void walk(struct module *m, const uint32_t *code, size_t n_word,
                 struct gpu_reflection *out)
{
    for (size_t i = HEADER_WORDS; i < n_word && !m->problem;) {
        const uint32_t length = code[i] >> 16;
        if (length == 0 || length > n_word - i) {
            fail(m, "an instruction that runs past the end");
            return;
        }
        if ((code[i] & 0xffffu) == OP_FUNCTION) /* declarations end here */
            return;
        note_instruction(m, code + i, length, out);
        i += length;
    }
}

/* ---- constants -------------------------------------------------------------- */

static uint32_t value_of(struct module *m, uint32_t id, int depth);

static uint32_t compute(struct module *m, uint32_t op, uint32_t a, uint32_t b)
{
    switch (op) {
    case 128: /* IAdd */
        return a + b;
    case 130: /* ISub */
        return a - b;
    case 132: /* IMul */
        return a * b;
    case 134: /* UDiv */
        return b ? a / b : 0;
    case 135: /* SDiv */
        return b && b != NONE ? (uint32_t)((int32_t)a / (int32_t)b) : 0u - a;
    case 137: /* UMod */
        return b ? a % b : 0;
    case 167: /* LogicalAnd */
        return a && b;
    case 170: /* IEqual */
        return a == b;
    case 171: /* INotEqual */
        return a != b;
    case 172: /* UGreaterThan */
        return a > b;
    case 176: /* ULessThan */
        return a < b;
    case 194: /* ShiftRightLogical */
        return b < 32 ? a >> b : 0;
    case 196: /* ShiftLeftLogical */
        return b < 32 ? a << b : 0;
    case 197: /* BitwiseOr */
        return a | b;
    case 199: /* BitwiseAnd */
        return a & b;
    default:
        fail(m, "an operation on constants that gpu/reflect.c does not know");
        return 0;
    }
}

static uint32_t computed_value(struct module *m, const struct note *n, int depth)
{
    enum { SELECT = 169 };
    if (n->n_word < 6) {
        fail(m, "an operation on constants with fewer than two operands");
        return 0;
    }
    const uint32_t a = value_of(m, n->at[4], depth + 1);
    if (n->at[3] == SELECT)
        return n->n_word > 6 ? value_of(m, n->at[a ? 5 : 6], depth + 1) : 0;
    return compute(m, n->at[3], a, value_of(m, n->at[5], depth + 1));
}

static uint32_t value_of(struct module *m, uint32_t id, int depth)
{
    const struct note *n = note(m, id);
    if (depth > MAX_DEPTH) {
        fail(m, "constants nested too deep");
        return 0;
    }
    if (n->spec_id < m->n_constant)
        return m->constant[n->spec_id];
    switch (op_of(n)) {
    case OP_CONSTANT_TRUE:
    case OP_SPEC_CONSTANT_TRUE:
        return 1;
    case OP_CONSTANT_FALSE:
    case OP_SPEC_CONSTANT_FALSE:
        return 0;
    case OP_CONSTANT:
    case OP_SPEC_CONSTANT:
        return n->n_word > 3 ? n->at[3] : 0;
    case OP_SPEC_CONSTANT_OP:
        return computed_value(m, n, depth);
    default:
        fail(m, "a size that is not constant");
        return 0;
    }
}

/* ---- sizes ------------------------------------------------------------------ */

static uint32_t size_of(struct module *m, uint32_t type, int depth)
{
    const struct note *n = note(m, type);
    if (depth > MAX_DEPTH || n->n_word < 2) {
        fail(m, "a type without a size");
        return 0;
    }
    switch (op_of(n)) {
    case OP_TYPE_BOOL:
        return 4;
    case OP_TYPE_INT:
    case OP_TYPE_FLOAT:
        return n->at[2] / 8;
    case OP_TYPE_VECTOR:
        return n->at[3] * size_of(m, n->at[2], depth + 1);
    case OP_TYPE_ARRAY: {
        const uint32_t each =
            n->array_stride ? n->array_stride : size_of(m, n->at[2], depth + 1);
        return each * value_of(m, n->at[3], depth + 1);
    }
    case OP_TYPE_STRUCT: {
        if (n->last_offset != NONE && n->last_member + 2 < n->n_word)
            return n->last_offset + size_of(m, n->at[2 + n->last_member], depth + 1);
        uint32_t sum = 0;
        for (uint32_t i = 2; i < n->n_word; i++)
            sum += (size_of(m, n->at[i], depth + 1) + 3) / 4 * 4;
        return sum;
    }
    default:
        fail(m, "a type whose size gpu/reflect.c does not know");
        return 0;
    }
}

/* ---- variables -------------------------------------------------------------- */

static void add_binding(struct module *m, const struct note *var, uint32_t type,
                        bool storage, struct gpu_reflection *out)
{
    if (var->set != 0 || var->binding >= GPU_MAX_BINDING) {
        fail(m, "a binding outside set 0 or beyond GPU_MAX_BINDING");
        return;
    }
    const struct note *block = note(m, type);
    const uint32_t n_member = block->n_word > 2 ? block->n_word - 2 : 0;
    const enum gpu_bind_kind kind = storage ? GPU_BIND_STORAGE : GPU_BIND_UNIFORM;
    struct gpu_binding *b = &out->bind[var->binding];
    if (b->kind != GPU_BIND_NONE && b->kind != kind) {
        fail(m, "one binding declared as two kinds");
        return;
    }
    /* Several views may share a number; their accesses add up. */
    b->kind = kind;
    b->read =
        b->read || !storage || !(var->write_only || block->n_write_only == n_member);
    b->write =
        b->write || (storage && !(var->read_only || block->n_read_only == n_member));
    if (var->binding + 1 > out->n_binding)
        out->n_binding = var->binding + 1;
}

/* A uniform texel buffer: an image, or one with a sampler, of dimension Buffer. */
static void add_texel_buffer(struct module *m, const struct note *var, uint32_t type,
                             struct gpu_reflection *out)
{
    enum { DIM_BUFFER = 5, SAMPLED = 1 };
    const struct note *image = note(m, type);
    if (op_of(image) == OP_TYPE_SAMPLED_IMAGE && image->n_word > 2)
        image = note(m, image->at[2]);
    if (op_of(image) != OP_TYPE_IMAGE || image->n_word < 9 ||
        image->at[3] != DIM_BUFFER || image->at[7] != SAMPLED) {
        fail(m, "an image or sampler that is no uniform texel buffer");
        return;
    }
    if (var->set != 0 || var->binding >= GPU_MAX_BINDING ||
        out->bind[var->binding].kind != GPU_BIND_NONE) {
        fail(m, "a texel buffer outside set 0, beyond GPU_MAX_BINDING or declared twice");
        return;
    }
    const bool is_float = op_of(note(m, image->at[2])) == OP_TYPE_FLOAT;
    out->bind[var->binding] = (struct gpu_binding){
        .kind = is_float ? GPU_BIND_TEXEL_FLOAT : GPU_BIND_TEXEL_UINT, .read = true};
    if (var->binding + 1 > out->n_binding)
        out->n_binding = var->binding + 1;
}

static void read_variable(struct module *m, const struct note *var,
                          struct gpu_reflection *out)
{
    const struct note *pointer = note(m, var->at[1]);
    if (op_of(pointer) != OP_TYPE_POINTER || pointer->n_word < 4 || var->n_word < 4) {
        fail(m, "a variable without a pointer type");
        return;
    }
    const uint32_t type = pointer->at[3];
    switch (var->at[3]) {
    case CLASS_STORAGE_BUFFER:
        add_binding(m, var, type, true, out);
        break;
    case CLASS_UNIFORM:
        add_binding(m, var, type, note(m, type)->buffer_block, out);
        break;
    case CLASS_UNIFORM_CONSTANT:
        add_texel_buffer(m, var, type, out);
        break;
    case CLASS_PUSH_CONSTANT:
        out->push_size = size_of(m, type, 0);
        break;
    case CLASS_WORKGROUP:
        out->shared_bytes += size_of(m, type, 0);
        break;
    default:
        break;
    }
}

static void read_workgroup(struct module *m, const struct note *n,
                           struct gpu_reflection *out)
{
    const uint32_t op = op_of(n);
    if ((op != OP_SPEC_CONSTANT_COMPOSITE && op != OP_CONSTANT_COMPOSITE) ||
        n->n_word < 6)
        return;
    for (int i = 0; i < 3; i++)
        out->local[i] = value_of(m, n->at[3 + i], 0);
}

const char *gpu_reflect(const uint32_t *code, size_t size, const uint32_t *constant,
                        uint32_t n_constant, struct gpu_reflection *out)
{
    *out = (struct gpu_reflection){.local = {1, 1, 1}};
    if (size < HEADER_WORDS * 4 || size % 4 != 0 || code[0] != MAGIC)
        return "not SPIR-V";
    struct module m = {.bound = code[3], .constant = constant, .n_constant = n_constant};
    if (m.bound == 0 || m.bound > MAX_BOUND)
        return "an implausible number of ids";
    m.id = calloc(m.bound, sizeof *m.id);
    if (!m.id)
        return "more ids than memory";
    for (uint32_t i = 0; i < m.bound; i++)
        m.id[i].binding = m.id[i].set = m.id[i].spec_id = m.id[i].last_offset = NONE;

    walk(&m, code, size / 4, out);
    for (uint32_t i = 0; i < m.bound && !m.problem; i++) {
        if (op_of(&m.id[i]) == OP_VARIABLE)
            read_variable(&m, &m.id[i], out);
        else if (m.id[i].workgroup_size)
            read_workgroup(&m, &m.id[i], out);
    }
    free(m.id);
    return m.problem;
}
