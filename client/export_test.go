package client

import "maps"

// Sentinels is the registry of codes.
func Sentinels() map[string]error { return maps.Clone(sentinels) }
