/* The numbers of DWARF 4 (and LSB .eh_frame) that kiln writes; names and
 * values as in the standard. */
#ifndef KILN_LINKER_DWARF_H
#define KILN_LINKER_DWARF_H

// clang-format off
enum {
	/* 7.23 call frame instructions */
	DW_CFA_nop = 0x00,            DW_CFA_advance_loc = 0x40,
	DW_CFA_advance_loc2 = 0x03,   DW_CFA_advance_loc4 = 0x04,
	DW_CFA_offset = 0x80,         DW_CFA_restore = 0xc0,
	DW_CFA_remember_state = 0x0a, DW_CFA_restore_state = 0x0b,
	DW_CFA_def_cfa = 0x0c,        DW_CFA_def_cfa_offset = 0x0e,
	DW_CFA_AARCH64_negate_ra_state = 0x2d,
	/* 7.5 tags, attributes, forms */
	DW_TAG_compile_unit = 0x11,   DW_TAG_subprogram = 0x2e,
	DW_AT_name = 0x03,            DW_AT_stmt_list = 0x10,
	DW_AT_low_pc = 0x11,          DW_AT_high_pc = 0x12,
	DW_AT_language = 0x13,        DW_AT_producer = 0x25,
	DW_AT_external = 0x3f,        DW_AT_frame_base = 0x40,
	DW_AT_ranges = 0x55,
	DW_FORM_addr = 0x01,          DW_FORM_data2 = 0x05,
	DW_FORM_data4 = 0x06,         DW_FORM_string = 0x08,
	DW_FORM_flag_present = 0x19,  DW_FORM_sec_offset = 0x17,
	DW_FORM_exprloc = 0x18,
	DW_LANG_C99 = 0x0c,           DW_OP_call_frame_cfa = 0x9c,
	/* 7.21 line numbers */
	DW_LNS_copy = 1,              DW_LNS_advance_pc = 2,
	DW_LNS_advance_line = 3,      DW_LNS_set_file = 4,
	DW_LNS_set_column = 5,        DW_LNS_const_add_pc = 8,
	DW_LNS_fixed_advance_pc = 9,
	DW_LNE_end_sequence = 1,      DW_LNE_set_address = 2,
};
// clang-format on

#endif
