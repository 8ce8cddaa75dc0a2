#include "CEventScan.h"
