package rig

import (
	"strconv"
	"time"
)

// Usage is what a process has used, and uses.
type Usage struct {
	CPU      time.Duration // user and system
	Resident int64         // bytes
	Peak     int64         // the largest Resident so far
	Files    int           // open files and sockets
}

// Usage returns what the server has used. The error is errors.ErrUnsupported where the system cannot be asked.
func (s *Server) Usage() (Usage, error) { return usage(strconv.Itoa(s.PID)) }

// UsageOf returns what another process has used.
func UsageOf(pid int) (Usage, error) { return usage(strconv.Itoa(pid)) }

// Self returns what the calling process has used.
func Self() (Usage, error) { return usage("self") }
