/* Private to lib/model: layers that mix tokens by a Fourier transform
 * (Transformers' FNetFourierTransform). */
#ifndef TF_MODEL_FOURIER_H
#define TF_MODEL_FOURIER_H

#include "model/attend.h"

struct tf_tensor *tf_mix_by_fourier(struct tf_run *run, struct tf_tensor *x);
#endif
