/* What a hub's refusal means, and what the user can do about it. */
#ifndef TF_HUB_REFUSAL_H
#define TF_HUB_REFUSAL_H

#include "hub/client.h"

/* Fill `err` for the last reply, whose status is 300 or above, and say in
 * reply->again whether it may change by itself. Returns -1. */
int tf_hub_refused(struct tf_hub *hub, const struct tf_hub_subject *subject,
                   struct tf_http_reply *reply, struct tf_err *err);
#endif
