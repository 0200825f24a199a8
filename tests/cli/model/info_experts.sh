# experts of gpt-oss in 4 bits are counted one by one; DeepSeek's cache has a
# latent of a token, not every head
G=$SRC/tests/golden/decoders
for m in gpt-oss-mxfp4 gpt-oss deepseek-v3; do
	tf-model info -m $G/$m | jq -c '[.parameters, .memory.cache_per_token]'
done
