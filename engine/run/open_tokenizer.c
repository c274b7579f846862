/* open_tokenizer.c - the tokenizer of an open model. Here, because text/ knows
 * files and no models. */
#include "model/model.h"
#include "text/tokenizer.h"

enum lem_status lem_tokenizer_open(const struct lem_model *model,
                                   const struct lem_log *log, struct lem_tokenizer **out)
{
    if (!out)
        return LEM_ERR_ARGUMENT;
    *out = NULL;
    if (!model)
        return LEM_ERR_ARGUMENT;
    return tokenizer_open(out, model->file, log ? log : &model->log);
}
