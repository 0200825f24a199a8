# log-probabilities of the model itself; a stop string stays in the text
m=$SRC/tests/golden/decoders/qwen3
tf-generate -m $m --prompt 'The film' --max-new-tokens 3 --logprobs=2 --only |
	jq -c '[(.token_logprobs | length), (.top_logprobs[0] | length),
		.top_logprobs[0][0].logprob == .token_logprobs[0]]'
ids=$(tf-generate -m $m --prompt 'The film' --max-new-tokens 20 --no-full-text --only)
word=$(echo "$ids" | jq -r '.generated_text[2:4]')
tf-generate -m $m --prompt 'The film' --max-new-tokens 20 --no-full-text --only --stop "$word" |
	jq -c --arg w "$word" '[.finish_reason, (.generated_text | contains($w)),
		(.generated_text | length) < 12]'
