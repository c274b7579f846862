/* tokenizer.h - what the tokenizer's files share. */
#ifndef TEXT_TOKENIZER_H
#define TEXT_TOKENIZER_H

#include "gguf/gguf.h"
#include "lemnos/text.h"

/* lem_tokenizer_open() for a file that has metadata only. run/ and model/ do not
 * exist for text/: model.c gives us its struct gguf. */
enum lem_status tokenizer_open(struct lem_tokenizer **out, const struct gguf *file,
                               const struct lem_log *log);

#endif
