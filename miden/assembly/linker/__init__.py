"""Linking: modules and libraries together, names, calls, constants and types across them. (assembly.md section 7.)"""
