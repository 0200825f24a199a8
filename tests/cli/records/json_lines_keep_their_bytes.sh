printf '%s\n' '' ' {"a": 1E400,"text":"\u0061\u0000" , "bytes":0,"\ud800":"é\/"}' '' '{"text":"x","text":"yy"}' |
    tf-measure --only=1 2>&1
printf '%s\n' '' ' {"a": 1E400,"text":"\u0061\u0000" , "bytes":0,"\ud800":"é\/"}' '' '{"text":"x","text":"yy"}' |
    tf-measure
