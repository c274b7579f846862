/* tokenizer.h - what the tokenizer's files share. */
#ifndef TEXT_TOKENIZER_H
#define TEXT_TOKENIZER_H

#include "gguf/gguf.h"
#include "lemnos/text.h"

/* lem_tokenizer_open() over a file instead of a model, which text/ does not know;
 * run/open_tokenizer.c joins the two. */
enum lem_status tokenizer_open(struct lem_tokenizer **out, const struct gguf *file,
                               const struct lem_log *log);

#endif
