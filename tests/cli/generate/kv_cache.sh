# a run that begins with a kept cache gives what one long run gives
D=$SRC/tests/golden/decoders
tf-generate -m $D/llama --prompt 'The film was good' --max-new-tokens 4 \
	--kv-cache kv --only --columns output_ids
tf-generate -m $D/llama --prompt 'The film was good, and' --max-new-tokens 8 \
	--kv-cache kv --only --columns output_ids > a
tf-generate -m $D/llama --prompt 'The film was good, and' --max-new-tokens 8 \
	--only --columns output_ids > b
cmp a b && echo same
for i in 1 2; do
	tf-generate -m $D/mamba --prompt 'The film was good' --max-new-tokens 4 \
		--kv-cache state --only --columns output_ids
done
tf-generate -m $D/qwen3 --prompt 'The film' --kv-cache kv 2>&1; echo $?
head -c 300 kv > cut
tf-generate -m $D/llama --prompt 'The film' --kv-cache cut 2>&1; echo $?
