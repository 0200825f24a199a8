# modules that are not known, or do not fit
cp -R "$SRC/tests/golden/pipelines/embed-cls-dense" m
edit() { # FILE, what sed does; then ask, then mend
	cp m/$1 kept
	sed -i "$2" m/$1
	echo no | tf-embed -m m --only
	cp kept m/$1
}
edit modules.json 's/models.Dense/models.LSTM/'
edit modules.json 's/sentence_transformers.models.Pooling/custom.Pooling/'
edit modules.json 's/2_Dense/..\/m/'
edit modules.json 's/"path":"2_Dense"/"path":7/'
edit modules.json 's/\[{"idx":0.*/[]/'
edit modules.json 's/$/x/'
edit 1_Pooling/config.json 's/{/{"pooling_mode": "median", /'
edit 2_Dense/config.json 's/Tanh/Mish/'
edit 2_Dense/config.json 's/"in_features":16/"in_features":17/'
edit 2_Dense/config.json 's/{/{"module_input_name": "token_embeddings", /'
edit 1_Pooling/config.json 's/max_tokens":false/max_tokens":true/'
