printf '{"text":"two","bytes":1}\n{"text":"x"}\n' | tf-measure --alone
