/* test_shaders.c - every shader that the build made is valid, and declares of its
 * buffers what it does with them: the engine's barriers come from these words. */
#include "house.h"

#include <stdlib.h>

#include "spirv_access.h"

static void validate(const char *path, void *priv)
{
    (void)priv;
    char *text;
    if (house_run(&text, "%s --target-env vulkan1.1 '%s'", HOUSE_SPIRV_VAL, path) != 0)
        house_complain("%s: %s", path, text);
    free(text);
}

static void check_access(const char *path, void *priv)
{
    unsigned *n_buffer = priv;
    struct spirv_buffer buffer[SPIRV_MAX_BUFFER];
    size_t size;
    char *code = house_read(path, &size);
    const int n = spirv_buffers((const uint32_t *)(const void *)code, size / 4, buffer);
    free(code);
    if (n < 0) {
        house_complain("%s: cannot be walked", path);
        return;
    }
    *n_buffer += (unsigned)n;
    for (int i = 0; i < n; i++) {
        const struct spirv_buffer *b = &buffer[i];
        if (b->set != 0)
            house_complain("%s: binding %u: set %u, expected 0", path, b->binding,
                           b->set);
        if (!b->writes && !b->readonly)
            house_complain("%s: binding %u: never written, say readonly", path,
                           b->binding);
        if (b->writes && !b->reads && !b->writeonly)
            house_complain("%s: binding %u: never read, say writeonly", path, b->binding);
        for (int j = 0; j < i; j++)
            if (buffer[j].binding == b->binding && (b->writes || buffer[j].writes))
                house_complain("%s: binding %u: declared twice, and written", path,
                               b->binding);
    }
}

static const char *const spv[] = {".spv", NULL};

static void shaders_are_valid(void **state)
{
    (void)state;
    house_need(HOUSE_SPIRV_VAL, "spirv-val");
    const unsigned n = house_walk(HOUSE_BUILD "/shaders", spv, validate, NULL);
    assert_true(n >= 10);
    print_message("%u shaders\n", n);
    house_finish();
}

static void buffers_are_declared_as_used(void **state)
{
    (void)state;
    unsigned n_buffer = 0;
    house_walk(HOUSE_BUILD "/shaders", spv, check_access, &n_buffer);
    assert_true(n_buffer >= 20);
    house_finish();
}

/* The check itself: a module with two buffers, one loaded from and one stored to, and
 * neither declared readonly or writeonly. */
static void the_walk_sees_loads_and_stores(void **state)
{
    (void)state;
    enum { U32 = 1, STRUCT, POINTER, VAR_A, VAR_B, LEAF, CHAIN, VALUE, N_ID };
    static const uint32_t code[] = {
        0x07230203,   0x10300, 0,     N_ID,   0,     /* header */
        4 << 16 | 71, VAR_A,   33,    0,             /* OpDecorate Binding 0 */
        4 << 16 | 71, VAR_B,   33,    1,             /* OpDecorate Binding 1 */
        5 << 16 | 72, STRUCT,  0,     35,     0,     /* OpMemberDecorate Offset 0 */
        4 << 16 | 21, U32,     32,    0,             /* OpTypeInt */
        3 << 16 | 30, STRUCT,  U32,                  /* OpTypeStruct */
        4 << 16 | 32, POINTER, 12,    STRUCT,        /* OpTypePointer StorageBuffer */
        4 << 16 | 59, POINTER, VAR_A, 12,            /* OpVariable */
        4 << 16 | 59, POINTER, VAR_B, 12,            /* OpVariable */
        5 << 16 | 65, LEAF,    CHAIN, VAR_A,  VALUE, /* OpAccessChain */
        4 << 16 | 61, U32,     VALUE, CHAIN,         /* OpLoad */
        3 << 16 | 62, VAR_B,   VALUE,                /* OpStore */
    };
    struct spirv_buffer b[SPIRV_MAX_BUFFER];
    assert_int_equal(spirv_buffers(code, sizeof code / 4, b), 2);
    assert_true(b[0].binding == 0 && b[0].reads && !b[0].writes);
    assert_true(b[1].binding == 1 && !b[1].reads && b[1].writes);
    assert_false(b[0].readonly || b[0].writeonly || b[1].readonly || b[1].writeonly);
    assert_int_equal(spirv_buffers(code, sizeof code / 4 - 1, b), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shaders_are_valid),
        cmocka_unit_test(buffers_are_declared_as_used),
        cmocka_unit_test(the_walk_sees_loads_and_stores),
    };
    return cmocka_run_group_tests_name("shaders", tests, NULL, NULL);
}
