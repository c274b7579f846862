/* weights_upload.h - packing the tensors into the chunks. */
#ifndef CACHE_WEIGHTS_UPLOAD_H
#define CACHE_WEIGHTS_UPLOAD_H

#include "cache/weights_layout.h"

/* Pack everything of `layout` into w->chunk and wait until it is there, by one thread per
 * processor, which end with the call. Mapped chunks are filled in place, the others
 * through staging rings, one of each thread. Returns LEM_OK, LEM_ERR_MEMORY,
 * LEM_ERR_GPU_MEMORY, LEM_ERR_GPU, LEM_ERR_DEVICE_LOST. */
enum lem_status weights_upload(const struct weights_layout *layout, struct lem_weights *w,
                               const struct lem_progress *progress);

#endif
