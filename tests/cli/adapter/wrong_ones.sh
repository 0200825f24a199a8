# what is wrong with an adapter is said
cd "$SRC/tests/golden" || exit 2
echo text | tf-classify --adapter ./nowhere
echo "$?"
echo text | tf-classify -m models/bert --adapter models/bert
echo "$?"
echo text | tf-classify -m models/distilbert --adapter adapters/bert
echo "$?"
echo text | tf-generate -m decoders/qwen3 --adapter adapters/llama
echo "$?"
# its base is not there
echo text | tf-classify --adapter adapters/bert
echo "$?"
