/* steer.h - stepping in: which experts are selected, what is in force on them, how
 * tokens are chosen, and what a person may change of it. Changes go to the source, which
 * makes them between two tokens; what is shown comes back from there. */
#ifndef VIEWER_STEER_H
#define VIEWER_STEER_H

#include "source.h"

/* What can be slid. */
enum steer_setting {
    STEER_EXPERTS, /* most experts of a token, in all layers */
    STEER_TEMPERATURE,
    STEER_TOP_K,
    STEER_TOP_P,
    STEER_MIN_P,
    STEER_SEED, /* no slider: any number */
    STEER_SETTING_COUNT
};

/* How a cell joins the selection. */
enum steer_pick { STEER_ONLY, STEER_TOGGLE };

/* A policy that was in force from some token on, as a recording tells it. */
struct steer_past {
    uint64_t before;
    struct lem_policy_entry *entry;
    uint32_t n_entry;
};

struct steer {
    struct source *source;
    const char *path; /* of the policy file; NULL = none named */
    uint32_t n_layer, n_expert, n_used;
    bool *selected; /* [n_layer][n_expert] */
    bool *kept;     /* the selection that a drag adds to */
    uint32_t n_selected;
    uint32_t from_layer, from_expert; /* where a drag began */
    /* in force: as listed, with what holds in all layers in one row; as looked up */
    struct lem_policy_entry *row; /* [n_row]; layer may be LEM_ALL_LAYERS */
    uint32_t n_row, cap_row;
    float *rule;     /* [n_layer][n_expert] as a bias; -inf banned, +inf forced */
    uint32_t *limit; /* [n_layer] 0 = the model's own */
    uint32_t seen;   /* policy revision, or past policy + 1 */
    bool has_seen;
    struct lem_sample_params sample; /* as last asked for */
    enum steer_setting setting;      /* what the keys , and . change */
    uint32_t first;                  /* row at the top of the list */
    uint32_t shown;                  /* rows that there is room for */
    struct steer_past *past;         /* [n_past], of a recording */
    uint32_t n_past;
    uint32_t pinned_seen; /* revision of the source when it was described */
    char pinned[128];     /* the policy of the pinned run */
    char note[256];       /* what the last command has to say */
};

/* False when memory ran out. The source's facts must be known. */
bool steer_open(struct steer *s, struct source *source, const char *path);
void steer_close(struct steer *s);

/* Look what is in force, in a recording at token `cursor`. True when it has changed. */
bool steer_sync(struct steer *s, uint64_t cursor);
/* Look up rules and limits as if these settings, which were asked for, held already; the
 * next sync with the source says what became of them. */
void steer_expect(struct steer *s, const struct lem_policy_entry *e, uint32_t n,
                  bool replace);
float steer_rule(const struct steer *s, uint32_t layer, uint32_t expert);
/* "layer 3: expert 5 banned" */
void steer_describe(const struct steer *s, const struct lem_policy_entry *e, char *out,
                    size_t cap);

/* The policy of now in a few words; that of the pinned run stands in `pinned`. */
void steer_summary(const struct steer *s, char *out, size_t cap);

/* ---- selecting (steer_select.c) ---------------------------------------------------- */

bool steer_is_selected(const struct steer *s, uint32_t layer, uint32_t expert);
void steer_pick(struct steer *s, uint32_t layer, uint32_t expert, enum steer_pick pick);
/* All cells between where the last pick was and this one, beside those before it. */
void steer_drag(struct steer *s, uint32_t layer, uint32_t expert);
void steer_pick_none(struct steer *s);

/* ---- changing (steer_ask.c) -------------------------------------------------------- */

/* Ban, force or bias what is selected, or, with nothing selected, this cell. A bias is
 * added to the one in force. */
void steer_set(struct steer *s, enum lem_policy_kind kind, float bias, uint32_t layer,
               int expert);
void steer_unset(struct steer *s, uint32_t layer, int expert);
void steer_undo_row(struct steer *s, uint32_t row);
void steer_undo_all(struct steer *s);

/* A setting as text, as a place 0 … 1 on its slider, and changed by that or by steps. */
void steer_value(const struct steer *s, enum steer_setting setting, char *out,
                 size_t cap);
/* Where the settings `of` a run are others than `from`: "temp 0.50, seed 2", or "". */
void steer_differences(const struct lem_sample_params *of,
                       const struct lem_sample_params *from, char *out, size_t cap);
float steer_place(const struct steer *s, enum steer_setting setting);
void steer_slide(struct steer *s, enum steer_setting setting, float place);
void steer_nudge(struct steer *s, enum steer_setting setting, int by);
const char *steer_setting_name(enum steer_setting setting);

/* The policy file; what happened stands in `note`. (steer_file.c) */
void steer_save(struct steer *s);
void steer_load(struct steer *s);
void steer_load_from(struct steer *s, const char *path);
/* Settings to free(), NULL with a line in `message` when the file cannot be read. */
struct lem_policy_entry *steer_read_file(const char *path, uint32_t *n, char *message,
                                         size_t cap);

#endif
