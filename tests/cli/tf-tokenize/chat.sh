M=$SRC/tests/golden/chat
cat > chats.jsonl <<'END'
{"messages": [{"role": "user", "content": "one"}, {"role": "assistant", "content": "two"}]}
{"messages": [{"role": "system", "content": "x"}, {"role": "user", "content": "the \"é\""}], "chat_template_kwargs": {"bos_token": "[B]"}}
{"text": "three"}
{"messages": [{"role": "critic", "content": "x"}]}
{"messages": "three"}
{"messages": []}
{"title": "three"}
END
tf-tokenize -m $M/one --chat --only chats.jsonl
tf-tokenize -m $M/one --chat --only -q --render --add-generation-prompt --system 'the :' chats.jsonl
tf-tokenize -m $M/one --chat --only -q --render --continue-final-message chats.jsonl
tf-tokenize -m $M/one --chat --only -q --count chats.jsonl
echo 'one two' | tf-tokenize -m $M/one --chat --tokens
tf-tokenize -m $M/files --chat --only --render <<'END'
{"messages": [{"role": "user", "content": "x"}], "tools": [{"name": "f"}]}
{"messages": [{"role": "user", "content": "x"}], "documents": [{"title": "d"}]}
END
echo x | tf-tokenize -m $M/one --chat --decode
echo x | tf-tokenize -m $M/one --render
ln -s $SRC/tests/golden/models/bert bert
echo x | tf-tokenize -m bert --chat
