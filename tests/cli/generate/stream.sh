# text as it comes is the text that the record would hold
m=$SRC/tests/golden/decoders/qwen3
printf 'The film\nI love\n' > in
tf-generate -m $m --max-new-tokens 30 --only < in | jq -j '.generated_text + "\n"' > a
tf-generate -m $m --max-new-tokens 30 --stream < in > b
cmp a b && echo same
tf-generate -m $m --stream --num-beams 2 < in
