# a merged model answers as its base does with the adapter
G=$SRC/tests/golden
tf-model merge -m "$G/models/bert-no-prefix" --adapter "$G/adapters/bert-patterns" \
	-o merged
echo 'a warm film' | tf-classify -m merged --only --top-k 0 |
	"$SRC/tests/cli/round"
echo 'a warm film' | tf-classify -m "$G/models/bert-no-prefix" --only --top-k 0 \
	--adapter "$G/adapters/bert-patterns" | "$SRC/tests/cli/round"
jq -c '[.architectures, .id2label // .num_labels]' merged/config.json
ls merged

# a head tied to an adapted table of tokens stands on its own
tf-model merge -m "$G/decoders/gpt2" --adapter "$G/adapters/gpt2-tokens" \
	-o untied | jq -c 'del(.bytes)'
jq .tie_word_embeddings untied/config.json
tf-model verify -m untied

# what does not fit is said, and nothing is written
cd "$G" || exit 2
tf-model merge -m decoders/qwen3 --adapter adapters/llama -o "$OLDPWD/none"
echo "$?"
tf-model merge -m decoders/qwen3 -o "$OLDPWD/none"
echo "$?"
[ -e "$OLDPWD/none" ] || echo nothing
