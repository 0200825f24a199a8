# a GGUF without a template takes the one that lies beside it
G=$SRC/tests/golden/gguf
mkdir chat && cp $G/llama.gguf chat/model.gguf
echo 'The film' | tf-generate -m chat --chat
cat > chat/tokenizer_config.json << 'END'
{"chat_template": "{{ messages[0].content }}:", "bos_token": "no"}
END
reply() {
	tf-generate "$@" --max-new-tokens 4 | jq -c .output_ids
}
ids() {
	tf-tokenize -m chat/model.gguf "$@" | jq -c '{input_ids}'
}
echo 'The film' | reply -m chat --chat
echo 'The film' | reply -m chat/model.gguf --chat
echo 'The film:' | ids --no-special-tokens | reply -m chat
printf '{{ messages[0].content }}!' > chat/chat_template.jinja
echo 'The film' | reply -m chat --chat
echo 'The film!' | ids --no-special-tokens | reply -m chat
echo nonsense > chat/tokenizer_config.json
echo 'The film' | reply -m chat --chat
rm chat/chat_template.jinja
echo 'The film' | reply -m chat --chat

# the end of a turn is known by its text where the file doesn't say it
cp -R $SRC/tests/golden/decoders/gpt2 turns && chmod -R u+w turns
sed -i 's/<unk>/<|im_end|>/g' turns/tokenizer.json turns/tokenizer_config.json
tf-model convert -m turns -o turns.gguf > log
tf-model convert -m turns.gguf -o back > log
jq -c .eos_token_id back/config.json
