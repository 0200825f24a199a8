# make             build the tools into build/
# make check       unit tests, command-line tests, layer check
# make SAN=1 check the same under AddressSanitizer and UBSan, in build-san/
# make fuzz        the fuzz targets tests/fuzz_*.c into build-fuzz/tests/ (clang)
# make install     into $(DESTDIR)$(PREFIX)

PREFIX   = /usr/local
CC       = cc
CFLAGS   = -O2 -g
CPPFLAGS = -Ilib -I. -D_POSIX_C_SOURCE=200809L -D_FILE_OFFSET_BITS=64
LDLIBS   = -ljansson -lpcre2-8 -lutf8proc -lpthread -lm
# what data sets are compressed with
UNPACK   = -lz -lzstd -lsnappy -llz4 -lbrotlidec
# training in several processes, where Debian's OpenMPI is installed
MPI_LIBS  := $(shell mpicc --showme:link 2> /dev/null)
ifneq ($(MPI_LIBS),)
MPI_CFLAGS := -DTF_MPI $(patsubst -I%,-isystem %,$(filter -I%,\
	      $(shell mpicc --showme:compile)))
endif
WARN     = -Wall -Wextra -Wshadow -Wconversion -Wvla -Wstrict-prototypes \
	   -Wmissing-prototypes -Wwrite-strings -Wno-missing-field-initializers \
	   -Werror=implicit-function-declaration
-include config.mk

B = build
ifdef SAN
B = build-san
CFLAGS  = -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined \
	  -fno-sanitize-recover=undefined
LDFLAGS = -fsanitize=address,undefined
endif

ifdef FUZZ
B = build-fuzz
CC = clang
CFLAGS  = -O1 -g -fsanitize=fuzzer-no-link,address,undefined \
	  -fno-sanitize-recover=undefined
LDFLAGS = -fsanitize=fuzzer,address,undefined
endif

# instruction-set files are built for the machine that has the set
ARCH := $(shell $(CC) -dumpmachine | cut -d- -f1)
ISA_x86_64  = avx2 avxvnni avx512 vnni amx
ISA_aarch64 = neon
ISA_ALL = $(sort $(ISA_x86_64) $(ISA_aarch64))
SKIP = $(foreach i,$(filter-out $(ISA_$(ARCH)),$(ISA_ALL)),lib/kernel/%_$(i).c)

SRC   = $(filter-out $(SKIP),$(sort $(wildcard lib/*/*.c)))
ifdef FUZZ # readers of files and records
SRC  := $(filter lib/base/% lib/kernel/% lib/nn/tensor.c lib/format/% lib/text/% \
	      lib/chat/%,$(SRC))
endif
OBJ   = $(SRC:%.c=$(B)/%.o)
LIB   = $(B)/libtf.a
CLI   = $(B)/libcli.a
CMD   = $(patsubst %.c,$(B)/%.o,$(filter-out cmd/tf-%,$(wildcard cmd/*.c)))
TOOLS = $(patsubst cmd/%.c,$(B)/%,$(wildcard cmd/tf-*.c))
TESTS = $(patsubst %.c,$(B)/%,$(wildcard tests/test_*.c))
PROBES = $(patsubst %.c,$(B)/%,$(wildcard tests/tf-*.c))
EXAMPLES = $(patsubst %.c,$(B)/%,$(wildcard examples/*.c))

all: $(TOOLS)

check: $(TOOLS) $(TESTS) $(PROBES) $(EXAMPLES)
	scripts/check-layers
	scripts/check-headers $(CC)
	@set -e; for t in $(sort $(TESTS)); do echo "$$t"; $$t; done
	PATH=$$PWD/$(B):$$PWD/$(B)/tests:$$PWD/$(B)/examples:$$PATH \
		tests/cli/run
	PATH=$$PWD/$(B):$$PATH tests/golden_test.py
	PATH=$$PWD/$(B):$$PATH tests/hub_test.py

$(B)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) -std=c11 $(WARN) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(B)/lib/kernel/%.o: WARN += -Wno-conversion
ifdef FUZZ # no readers, and slow to build
$(B)/lib/kernel/%.o: CC = cc
$(B)/lib/kernel/%.o: CFLAGS = -O1
endif
ifndef SAN
$(B)/lib/kernel/%.o: CFLAGS += -O3
else # each check in each unrolled loop: a minute a file at -O1
$(B)/lib/kernel/%.o: CFLAGS += -Og -fno-var-tracking
endif
# loops over floats; nothing reads errno after sqrtf
$(B)/lib/nn/%.o $(B)/lib/train/%.o: CFLAGS += -O3 -fno-math-errno
$(B)/lib/train/parallel.o: CPPFLAGS += $(MPI_CFLAGS)
$(B)/lib/kernel/%_avx2.o: CFLAGS += -mavx2 -mfma -mf16c
$(B)/lib/kernel/%_avx512.o: CFLAGS += -mavx512f -mavx512bw -mavx512vl \
	-mavx512dq -mfma -mf16c -mprefer-vector-width=512
$(B)/lib/kernel/%_avxvnni.o: CFLAGS += -mavx2 -mfma -mf16c -mavxvnni
$(B)/lib/kernel/%_vnni.o: CFLAGS += -mavx2 -mfma -mf16c -mavx512f -mavx512vl \
	-mavx512vnni
$(B)/lib/kernel/%_amx.o: CFLAGS += -mavx512f -mavx512bw -mavx512dq \
	-mamx-tile -mamx-int8 -mamx-bf16

$(LIB): $(OBJ) Makefile # which says what belongs to it
	rm -f $@ && $(AR) rcs $@ $(OBJ)

$(CLI): $(CMD)
	rm -f $@ && $(AR) rcs $@ $^

$(TOOLS): $(B)/%: $(B)/cmd/%.o $(CLI) $(LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(B)/tf-hub: LDLIBS += -lcurl -lcrypto
$(B)/tf-train: LDLIBS += -lyaml $(UNPACK) $(MPI_LIBS)
$(B)/tf-model: LDLIBS += -lcrypto

$(B)/tests/test_hub_%: LDLIBS += -lcurl -lcrypto
$(B)/tests/test_train_%: LDLIBS += -lyaml $(UNPACK) $(MPI_LIBS)
$(B)/tests/test_parquet $(B)/tests/test_arrow $(B)/tests/fuzz_parquet \
$(B)/tests/fuzz_arrow: \
	LDLIBS += $(UNPACK)
$(TESTS): %: %.o $(LIB)
	$(CC) $(LDFLAGS) -o $@ $^ -lcmocka $(LDLIBS)

$(EXAMPLES): LDLIBS += -lyaml $(UNPACK)
$(EXAMPLES): %: %.o $(LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

# timed by scripts/bench, not by make check
$(B)/tests/bench_%: $(B)/tests/bench_%.o $(LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

$(B)/tests/fuzz_%: $(B)/tests/fuzz_%.o $(LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
fuzz:
	$(MAKE) FUZZ=1 $(patsubst %.c,build-fuzz/%,$(wildcard tests/fuzz_*.c))

$(PROBES): %: %.o $(CLI) $(LIB)
	$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)

DEST = $(DESTDIR)$(PREFIX)
install: all
	mkdir -p $(DEST)/bin $(DEST)/share/man/man1 $(DEST)/share/man/man5 \
		$(DEST)/share/man/man7 \
		$(DEST)/share/tf/models
	install -m 755 $(TOOLS) $(DEST)/bin
	for s in 1 5 7; do for f in man/*.$$s; do [ ! -e $$f ] || \
		install -m 644 $$f $(DEST)/share/man/man$$s || exit 1; done; done
	for m in models/*/; do [ ! -d $$m ] || \
		cp -R $$m $(DEST)/share/tf/models || exit 1; done
	scripts/install-completions $(DEST)/share $(TOOLS)

clean:
	rm -rf build build-san build-fuzz build-neon

-include $(wildcard $(B)/*/*.d $(B)/*/*/*.d)
.PHONY: all check fuzz install clean
.SECONDARY:
