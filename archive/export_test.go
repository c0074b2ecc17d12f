package archive

import "time"

// SetUptime has an Archive's sessions last by another clock than that of Options.Now.
func (a *Archive) SetUptime(f func() time.Duration) { a.uptime = f }
