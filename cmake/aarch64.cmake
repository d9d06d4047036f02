# Cross-builds for arm64 on Debian, tests run by qemu-user:
#
#	cmake -S . -B build-arm64 --toolchain cmake/aarch64.cmake \
#		-DKILN_COMPILER=OFF
#	cmake --build build-arm64
#	ctest --test-dir build-arm64
#
# builds the runtime and its tests with gcc-aarch64-linux-gnu alone. With the
# compiler it also needs arm64 libraries: tests/run-arm64.sh fetches them.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
set(CMAKE_CROSSCOMPILING_EMULATOR ${CMAKE_CURRENT_LIST_DIR}/aarch64-run.sh)
# not the host's libraries
set(ENV{PKG_CONFIG_LIBDIR} /usr/lib/aarch64-linux-gnu/pkgconfig)
