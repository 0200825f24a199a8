# prompts that are too long or empty, options that don't fit
D=$SRC/tests/golden/decoders
awk 'BEGIN { for (i = 0; i < 300; i++) printf "good "; print "" }' > long
cat long - <<END | tf-generate -m $D/gpt2 --max-new-tokens 2 --only | jq -c '.error.code // .finish_reason'
The film

END
tf-generate -m $D/gpt2 --max-prompt-length 5 --max-new-tokens 2 --only < long | jq -c '.output_ids | length'
echo The film | tf-generate -m $D/gpt2 --max-length 3 | jq -c .error.code
tf-generate -m $D/gpt2 --temperature 0 --prompt x; echo $?
tf-generate -m $D/gpt2 --num-return-sequences 3 --prompt x; echo $?
tf-generate -m $D/gpt2 --tgt-lang de --prompt x; echo $?
tf-generate --prompt x; echo $?
