# a model fitted to a tokenizer with more tokens answers as before without them
G=$SRC/tests/golden
tf-tokenize -m "$G/models/bert" --add-token wow --add-special-token '<end>' \
	--save tok < /dev/null
tf-model resize -m "$G/models/bert" --tokenizer tok -o big | jq -c 'del(.bytes)'
jq .vocab_size big/config.json
tf-model verify -m big
echo 'a warm film' > text
tf-classify -m "$G/models/bert" --only text > before
tf-classify -m big --only text | diff before -
echo 'wow a film <end>' | tf-tokenize -m big --tokens --only | jq -c .tokens
echo 'wow a film' | tf-classify -m big | jq '.score > 0'
tf-model resize -m big -o padded --pad-to-multiple-of 64 --new-rows zero |
	jq -c '[.vocab_size_before, .vocab_size, .resized]'
tf-model resize -m padded -o small --size 260 > /dev/null
tf-model diff "$G/models/bert" small && echo the same
tf-model resize -m big -o big
tf-model resize -m big -o other --new-rows ones
