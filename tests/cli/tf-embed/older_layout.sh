# the transformer in a folder of its own, as older sentence encoders have it
m=$SRC/tests/golden/pipelines/embed-cls-dense
cp -R "$m" m
mkdir m/0_Transformer
mv m/config.json m/model.safetensors m/tokenizer*.json \
	m/sentence_bert_config.json m/0_Transformer
sed -i 's/"path":""/"path":"0_Transformer"/' m/modules.json
echo 'The film was good.' > in
tf-embed -m m --only in > 1
tf-embed -m "$m" --only in | cmp - 1 && wc -l < 1
