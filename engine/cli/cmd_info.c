/* cmd_info.c - `lemnos info`: what is in a model file. Needs no GPU. */
#include "cli/commands.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/app.h"
#include "cli/json_out.h"

/* "11.7 M" */
static struct text_size short_count(uint64_t n)
{
    static const char *const unit[] = {"", " K", " M", " B", " T"};
    struct text_size out;
    double v = (double)n;
    size_t u = 0;
    for (; v >= 1000 && u + 1 < sizeof unit / sizeof *unit; u++)
        v /= 1000;
    snprintf(out.s, sizeof out.s, "%.*f%s", u ? 2 : 0, v, unit[u]);
    return out;
}

static void print_text(const char *name, const char *value)
{
    if (!value[0])
        return;
    printf("%-18s", name);
    text_write_utf8(stdout, value, strlen(value));
    putchar('\n');
}

/* Lines of a text, the name before the first. */
static void print_lines(const char *name, const char *value)
{
    while (*value) {
        const size_t n = strcspn(value, "\n");
        printf("%-18s", name);
        text_write_utf8(stdout, value, n);
        putchar('\n');
        value += n + (value[n] == '\n');
        name = "";
    }
}

static void print_count(const char *name, uint64_t value, const char *note)
{
    printf("%-18s%" PRIu64 "%s\n", name, value, note);
}

static void print_sizes(const struct lem_model_info *m)
{
    if (m->n_param)
        printf("%-18s%s total, %s active per token (%.1f %%)\n", "parameters",
               short_count(m->n_param).s, short_count(m->n_param_active).s,
               100.0 * (double)m->n_param_active / (double)m->n_param);
    print_text("weights", m->quant_mix);
    print_count("context", m->n_ctx_train, " tokens");
    print_count("vocabulary", m->n_vocab, " tokens");
    print_count("layers", m->n_layer, "");
    print_count("width", m->n_embd, "");
    printf("%-18s%u query, %u key/value, %u wide\n", "attention heads", m->n_head,
           m->n_head_kv, m->head_dim);
    if (m->n_ff)
        print_count("dense FFN width", m->n_ff, "");
    if (m->n_expert == 0) {
        printf("%-18snone: a dense model\n", "experts");
        return;
    }
    printf("%-18s%u, of which a token uses %u", "experts", m->n_expert, m->n_expert_used);
    if (m->n_expert_shared)
        printf(" and %u shared", m->n_expert_shared);
    printf("; %u wide, in %u of %u layers\n", m->n_ff_exp, m->n_layer_moe, m->n_layer);
}

static void print_shape(const struct lem_tensor_info *t)
{
    char shape[96];
    size_t n = 0;
    shape[0] = '\0';
    for (uint32_t i = 0; i < t->n_dim && i < 4; i++)
        n += (size_t)snprintf(shape + n, sizeof shape - n, "%s%" PRIu64, i ? " x " : "",
                              t->dim[i]);
    printf("%-28s", shape);
}

static bool print_tensors(const struct app *app)
{
    printf("\n%-8s%-28s%12s  %s\n", "type", "shape (innermost first)", "bytes", "name");
    for (uint32_t i = 0; i < app->info.n_tensor; i++) {
        struct lem_tensor_info t;
        if (lem_model_get_tensor(app->model, i, &t) != LEM_OK)
            return false;
        printf("%-8s", t.type);
        print_shape(&t);
        printf("%12" PRIu64 "  ", t.bytes);
        text_write_utf8(stdout, t.name, strlen(t.name));
        putchar('\n');
    }
    return true;
}

static bool print_table(const struct app *app)
{
    const struct lem_model_info *m = &app->info;
    char part[32] = "";
    if (m->n_file > 1)
        snprintf(part, sizeof part, " in %u parts", m->n_file);
    printf("%-18s%s, %s%s, GGUF v%u, %u tensors\n", "file", app_model_name(app),
           text_bytes(m->file_bytes).s, part, m->gguf_version, m->n_tensor);
    print_text("name", m->name);
    print_text("architecture", m->architecture);
    print_sizes(m);
    print_text("tokenizer", m->tokenizer);
    print_text("license", m->license[0] ? m->license : "not stated");
    print_text("cannot run", m->unsupported);
    print_lines("what is missing", m->missing);
    return !app->args->tensors || print_tensors(app);
}

static bool add_tensors(const struct app *app, struct json_out *j)
{
    struct cJSON *list = json_array(j, NULL, "tensors");
    for (uint32_t i = 0; i < app->info.n_tensor; i++) {
        struct lem_tensor_info t;
        if (lem_model_get_tensor(app->model, i, &t) != LEM_OK)
            return false;
        struct cJSON *o = json_object(j, list, NULL);
        json_str(j, o, "name", t.name);
        json_str(j, o, "type", t.type);
        struct cJSON *dim = json_array(j, o, "shape");
        for (uint32_t d = 0; d < t.n_dim && d < 4; d++)
            json_num(j, dim, NULL, (double)t.dim[d]);
        json_num(j, o, "bytes", (double)t.bytes);
        json_num(j, o, "file_offset", (double)t.file_offset);
    }
    return true;
}

static void add_numbers(const struct lem_model_info *m, struct json_out *j)
{
    const struct {
        const char *key;
        uint64_t value;
    } number[] = {
        {"n_param", m->n_param},
        {"n_param_active", m->n_param_active},
        {"file_bytes", m->file_bytes},
        {"n_file", m->n_file},
        {"gguf_version", m->gguf_version},
        {"n_tensor", m->n_tensor},
        {"n_layer", m->n_layer},
        {"n_layer_moe", m->n_layer_moe},
        {"n_embd", m->n_embd},
        {"n_head", m->n_head},
        {"n_head_kv", m->n_head_kv},
        {"head_dim", m->head_dim},
        {"n_vocab", m->n_vocab},
        {"n_ctx_train", m->n_ctx_train},
        {"n_ff", m->n_ff},
        {"n_ff_exp", m->n_ff_exp},
        {"n_expert", m->n_expert},
        {"n_expert_used", m->n_expert_used},
        {"n_expert_shared", m->n_expert_shared},
    };
    for (size_t i = 0; i < sizeof number / sizeof *number; i++)
        json_num(j, NULL, number[i].key, (double)number[i].value);
}

static bool print_json(const struct app *app)
{
    const struct lem_model_info *m = &app->info;
    struct json_out j;
    json_begin(&j);
    json_str(&j, NULL, "file", app->model_path);
    json_str(&j, NULL, "name", m->name);
    json_str(&j, NULL, "architecture", m->architecture);
    json_str(&j, NULL, "license", m->license);
    json_str(&j, NULL, "tokenizer", m->tokenizer);
    json_str(&j, NULL, "quant_mix", m->quant_mix);
    json_bool(&j, NULL, "can_run", !m->unsupported[0]);
    json_str(&j, NULL, "unsupported", m->unsupported);
    json_str(&j, NULL, "missing", m->missing);
    add_numbers(m, &j);
    struct cJSON *layers = json_array(&j, NULL, "moe_layers");
    for (uint32_t i = 0; i < m->n_layer_moe; i++)
        json_num(&j, layers, NULL, lem_model_moe_layer(app->model, i));
    const bool ok = !app->args->tensors || add_tensors(app, &j);
    return json_print(&j) && ok;
}

int cmd_info(struct app *app)
{
    if (!app_open_model(app, true))
        return APP_FAILED;
    const bool ok = app->args->json ? print_json(app) : print_table(app);
    return ok ? APP_DONE : APP_FAILED;
}
