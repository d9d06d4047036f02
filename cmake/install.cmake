# What cmake --install puts in place: the command, libraries, public headers,
# and what other build systems find them by.
include(CMakePackageConfigHelpers)

install(FILES
	include/kiln/bpf.h
	include/kiln/compile.h
	include/kiln/context.h
	include/kiln/context_sock.h
	include/kiln/context_trace.h
	include/kiln/format.h
	include/kiln/hook.h
	include/kiln/port.h
	include/kiln/runtime.h
	DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/kiln)
set(libraries kiln_core kiln_rt kiln_rt_shared)
if(KILN_COMPILER)
	list(APPEND libraries kiln_compile_shared kiln_compile_static)
	install(TARGETS kiln RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()
install(TARGETS ${libraries}
	ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
	LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES cmake/kiln.ld DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${CMAKE_BINARY_DIR}/runtime/kiln-module.o
	DESTINATION ${CMAKE_INSTALL_LIBDIR})

# The files find each other wherever cmake --install --prefix puts them.
set(pkgconfig ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
if(IS_ABSOLUTE ${CMAKE_INSTALL_LIBDIR})
	set(KILN_PC_PREFIX ${CMAKE_INSTALL_PREFIX})
else()
	file(RELATIVE_PATH up /${pkgconfig} /)
	set(KILN_PC_PREFIX "\${pcfiledir}/${up}")
endif()
foreach(dir LIBDIR INCLUDEDIR)
	if(IS_ABSOLUTE ${CMAKE_INSTALL_${dir}})
		set(KILN_PC_${dir} ${CMAKE_INSTALL_${dir}})
	else()
		set(KILN_PC_${dir} "\${prefix}/${CMAKE_INSTALL_${dir}}")
	endif()
endforeach()
foreach(name kiln kiln-compile)
	configure_file(cmake/${name}.pc.in ${name}.pc @ONLY)
	install(FILES ${CMAKE_CURRENT_BINARY_DIR}/${name}.pc
		DESTINATION ${pkgconfig})
endforeach()

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/kiln)
configure_package_config_file(cmake/kilnConfig.cmake.in kilnConfig.cmake
	INSTALL_DESTINATION ${package}
	PATH_VARS CMAKE_INSTALL_LIBDIR CMAKE_INSTALL_INCLUDEDIR
		CMAKE_INSTALL_BINDIR)
write_basic_package_version_file(
	${CMAKE_CURRENT_BINARY_DIR}/kilnConfigVersion.cmake
	COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/kilnConfig.cmake
	${CMAKE_CURRENT_BINARY_DIR}/kilnConfigVersion.cmake
	DESTINATION ${package})
