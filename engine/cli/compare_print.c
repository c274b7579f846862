/* compare_print.c - what `compare` found: for people, and as JSON. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/compare.h"
#include "cli/json_out.h"

static const char side_name[N_SIDE] = {'A', 'B'};

static const char *policy_of(const struct compare *c, int side)
{
    return c->policy[side] ? c->policy[side] : "none (the model as it is)";
}

/* Text of tokens [from, n), to be freed; NULL when memory ran out. */
static char *decode(const struct compare *c, int which, size_t from)
{
    const struct text_ids *ids = &c->text[which].ids;
    const struct lem_tokenizer *t = c->app->tokenizer;
    const size_t n =
        lem_tokenizer_decode(t, ids->id + from, ids->n - from, false, NULL, 0);
    char *s = malloc(n + 1);
    if (!s) {
        app_error("memory ran out for a text of %zu bytes.", n);
        return NULL;
    }
    lem_tokenizer_decode(t, ids->id + from, ids->n - from, false, s, n);
    s[n] = '\0';
    return s;
}

/* A token on one line: "·" for a space, escapes for the rest that does not print. */
static void print_piece(const struct compare *c, int32_t id, int width)
{
    char piece[64], shown[256];
    size_t n = lem_tokenizer_piece(c->app->tokenizer, id, true, piece, sizeof piece);
    n = n <= sizeof piece ? n : 0;
    size_t at = 0;
    int columns = 0;
    for (size_t i = 0; i < n && columns < width; columns++) {
        const size_t len = text_utf8_length(piece + i, n - i);
        const unsigned char b = (unsigned char)piece[i];
        if (b == ' ')
            at += (size_t)snprintf(shown + at, sizeof shown - at, "·");
        else if (len == 0 || b < 0x20) {
            at += (size_t)snprintf(shown + at, sizeof shown - at, "\\x%02x", b);
            columns += 3;
        } else {
            memcpy(shown + at, piece + i, len);
            at += len;
        }
        i += len ? len : 1;
    }
    shown[at] = '\0';
    printf("%s%*s", shown, columns < width ? width - columns : 0, "");
}

static bool print_texts(const struct compare *c)
{
    for (int side = 0; side < N_SIDE; side++) {
        char *text = decode(c, side, 0);
        if (!text)
            return false;
        const struct compare_text *t = &c->text[side];
        printf("--- %c: %s (%zu tokens written%s)\n", side_name[side], policy_of(c, side),
               t->ids.n - t->n_prompt, t->ended ? ", ended by the model" : "");
        text_write_utf8(stdout, text, strlen(text));
        printf("\n\n");
        free(text);
    }
    return true;
}

static void print_parting(const struct compare *c)
{
    const struct compare_text *a = &c->text[SIDE_A], *b = &c->text[SIDE_B];
    const uint32_t at = compare_parting(c);
    if (at == a->ids.n && at == b->ids.n) {
        printf("The texts are the same.\n\n");
        return;
    }
    printf("The texts part at token %u (number %u of those written): ", at,
           at - a->n_prompt + 1);
    for (int side = 0; side < N_SIDE; side++) {
        const struct text_ids *ids = &c->text[side].ids;
        printf("%c ", side_name[side]);
        if (at < ids->n)
            print_piece(c, ids->id[at], 16);
        else
            printf("stops");
        printf(side ? "\n\n" : " | ");
    }
}

static void print_number(double v, int width, int digits)
{
    if (isfinite(v))
        printf("%*.*f", width, digits, v);
    else
        printf("%*s", width, "-");
}

static void print_perplexity(const struct compare *c)
{
    printf("perplexity    on text A  on text B   (of the tokens written)\n");
    for (int side = 0; side < N_SIDE; side++) {
        printf("under %c       ", side_name[side]);
        for (int which = 0; which < N_SIDE; which++)
            print_number(compare_perplexity(c, side, which), which ? 11 : 9, 3);
        printf("\n");
    }
}

static void print_tokens(const struct compare *c)
{
    const struct compare_text *t = &c->text[SIDE_A];
    const struct compare_kl k = compare_kl(c);
    printf("\nKL divergence of B from A on text A: mean ");
    print_number(k.mean, 0, 4);
    printf(" nats, most ");
    print_number(k.most, 0, 4);
    printf(" at token %u\n\n  token  text                ln p(A)  ln p(B)       KL\n",
           k.most_at);
    for (uint32_t i = t->n_prompt; i < t->ids.n; i++) {
        printf("%7u  ", i);
        print_piece(c, t->ids.id[i], 18);
        printf(" %8.3f %8.3f %8.4f  ", -t->nll[SIDE_A][i], -t->nll[SIDE_B][i], t->kl[i]);
        const int bar = k.most > 0 ? (int)(20 * t->kl[i] / k.most + 0.5) : 0;
        for (int b = 0; b < bar; b++)
            fputs("▪", stdout);
        putchar('\n');
    }
}

bool compare_print_text(const struct compare *c)
{
    if (!print_texts(c))
        return false;
    print_parting(c);
    print_perplexity(c);
    if (c->text[SIDE_A].ids.n > c->text[SIDE_A].n_prompt)
        print_tokens(c);
    return true;
}

/* ---- JSON ----------------------------------------------------------------- */

static bool add_side(const struct compare *c, struct json_out *j, int side)
{
    const struct compare_text *t = &c->text[side];
    struct cJSON *o = json_object(j, NULL, side ? "b" : "a");
    char *text = decode(c, side, t->n_prompt);
    if (!text)
        return false;
    if (c->policy[side])
        json_str(j, o, "policy", c->policy[side]);
    json_str(j, o, "written", text);
    json_bool(j, o, "ended", t->ended);
    json_ids(j, o, "tokens", t->ids.id, t->ids.n);
    for (int by = 0; by < N_SIDE; by++) {
        const double ppl = compare_perplexity(c, by, side);
        if (isfinite(ppl))
            json_num(j, o, by ? "perplexity_under_b" : "perplexity_under_a", ppl);
    }
    free(text);
    return true;
}

static void add_scores(struct json_out *j, const char *key, const double *v, size_t n,
                       double sign)
{
    struct cJSON *list = json_array(j, NULL, key);
    for (size_t i = 1; i < n; i++)
        json_num(j, list, NULL, sign * v[i]);
}

bool compare_print_json(const struct compare *c)
{
    const struct compare_text *t = &c->text[SIDE_A];
    const struct compare_kl k = compare_kl(c);
    const uint32_t at = compare_parting(c);
    struct json_out j;
    json_begin(&j);
    json_str(&j, NULL, "model", app_model_name(c->app));
    json_str(&j, NULL, "device", c->app->device_info.name);
    json_u64(&j, NULL, "seed", c->sample.seed);
    json_num(&j, NULL, "n_prompt", t->n_prompt);
    bool ok = add_side(c, &j, SIDE_A) && add_side(c, &j, SIDE_B);
    if (at < t->ids.n || at < c->text[SIDE_B].ids.n)
        json_num(&j, NULL, "part_at", at);
    if (isfinite(k.mean)) {
        json_num(&j, NULL, "kl_mean", k.mean);
        json_num(&j, NULL, "kl_most", k.most);
        json_num(&j, NULL, "kl_most_at", k.most_at);
    }
    /* of tokens 1, 2 … of text A */
    add_scores(&j, "kl", t->kl, t->ids.n, 1);
    add_scores(&j, "log_p_a", t->nll[SIDE_A], t->ids.n, -1);
    add_scores(&j, "log_p_b", t->nll[SIDE_B], t->ids.n, -1);
    if (!ok)
        j.bad = true;
    return json_print(&j);
}
