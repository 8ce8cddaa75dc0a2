#pragma once
#include <jwt.h>
#include <stdlib.h>

/// Frees a text that the library returned.
static inline void odometer_jwt_free_text(char *text) { free(text); }
