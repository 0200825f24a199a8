# likelihood of texts, in one window and in several
m=$SRC/tests/golden/decoders/llama
printf 'The film was good, and\nI love this movie.\n' > in
tf-eval --task lm -m $m < in | jq -cs '[[.[] | .nll], [106.73, 83.38, 190.11]] |
	transpose | map(.[0] - .[1] | fabs < 0.01)'
tf-eval --task lm -m $m < in | jq -cs 'map(.n_tokens)'
tf-eval --task lm -m $m --max-length 6 --stride 3 < in | tail -n 1 | jq '.n_tokens'
