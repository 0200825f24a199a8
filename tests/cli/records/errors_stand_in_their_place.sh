printf '%s\n' '{"text":"a"}' nonsense '[1]' '{"n":1}' '{"text":3,"error":1}' '{"text":null}' '{"text":"fail","k":[]}' \
    '{"text":"\ud800"}' '{"text":"b"}' '{"text":"c"' > in.jsonl
tf-measure in.jsonl -b 1
