# messages through the template; the reply alone, and as the assistant's turn
cp -R $SRC/tests/golden/decoders/qwen3 chat && chmod -R u+w chat
cat > chat/chat_template.jinja <<'END'
{% for m in messages %}<{{ m.role }}>{{ m.content }}
{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}
END
echo 'The film' | tf-generate -m chat --chat --max-new-tokens 4
echo '{"id": 7, "messages": [{"role": "user", "content": "Hi"} ]}' |
	tf-generate -m chat --chat --system 'Be short' --max-new-tokens 4
printf '<user>The film\n<assistant>' > in
tf-generate -m chat --max-new-tokens 4 --only --columns output_ids --no-full-text -0 < in
echo 'The film' | tf-generate -m chat --chat --max-new-tokens 4 --only --columns output_ids
echo '{"messages": 3}' | tf-generate -m chat --chat -q | jq -c .error.code
echo Hi | tf-generate -m $SRC/tests/golden/decoders/qwen3 --chat 2>&1 | sed 's/.*golden/golden/'; echo Hi | tf-generate -m chat --system x; echo $?
