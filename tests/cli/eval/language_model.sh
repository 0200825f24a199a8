# likelihood of texts, in one window and in several
m=$SRC/tests/golden/decoders/llama
printf 'The film was good, and\nI love this movie.\n' > in
tf-eval --task lm -m $m < in | jq -c '[(.nll * 100 | round), .n_tokens]'
tf-eval --task lm -m $m --max-length 6 --stride 3 < in | tail -n 1 | jq '.n_tokens'
