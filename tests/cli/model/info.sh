# what models are; a model card's licence; a model_type that is not known
G=$SRC/tests/golden
tf-model architectures | jq -c 'select(.name == "bert" or .name == "t5" or .name == "llama")'
tf-model info -m $G/decoders/llama
tf-model info -m $G/models/bert-sharded | jq -c '[.tensors, .bytes, .labels]'
for m in opt opt-int8 gptq-4bit awq compressed-int8 fp8-blocks; do
	tf-model info -m $G/quantized/$m | jq .parameters
done
mkdir m
cp $G/decoders/t5/* m
printf -- '---\nlanguage: en\nlicense: "apache-2.0"\n---\nlicense: no\n' > m/README.md
tf-model info -m m | jq -c '[.kind, .license]'
sed 's/"model_type":"t5"/"model_type":"t6"/' $G/decoders/t5/config.json > m/config.json
tf-model info -m m | jq -c '[.architecture, .supported, .reason[:20]]'
tf-model info; echo $?
tf-model info -m m n; echo $?
tf-model inof; echo $?
