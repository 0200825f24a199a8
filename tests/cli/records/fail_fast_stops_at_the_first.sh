printf 'a\nb\nfail\nc\n' | tf-measure --fail-fast -q
