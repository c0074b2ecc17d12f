//go:build !linux

package images

import "syscall"

// confinement says what keeps a child from the rest of the machine: here nothing but its empty environment and its deadline.
type confinement struct{}

var confinements = []confinement{{}}

func (confinement) String() string { return "nothing" }

func (confinement) attributes() *syscall.SysProcAttr { return processGroup() }

func (*child) confine() error { return nil }
