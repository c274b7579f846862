/* routing_out.h - the experts that tokens chose, as a JSON file. */
#ifndef CLI_ROUTING_OUT_H
#define CLI_ROUTING_OUT_H

#include <stdbool.h>
#include <stdint.h>

struct app;
struct lem_session;
struct out_file;

/**
 * Write the routing of the session's first `n` tokens:
 *
 *   {"model":"x.gguf","n_prompt":2,"tokens":[1,2,...],"pieces":["a",...],
 *    "layers":[{"layer":0,"ids":[[3,1],...],"weights":[[0.6,0.4],...]},...]}
 *
 * `layer` is the block number; ids[token][k] are experts, best first;
 * weights[token][k] their final mixing weights; fewer than usual where a routing
 * policy left fewer. "pieces" (the tokens' text) stands there when the app has a
 * tokenizer. A dense model has no layers.
 * The session must have been opened with its tap, unless the model is dense.
 * Says on stderr what failed.
 */
bool routing_write(struct app *app, const struct lem_session *session, uint32_t n,
                   uint32_t n_prompt, struct out_file *f);

#endif
