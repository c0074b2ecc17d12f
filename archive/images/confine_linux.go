package images

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// confinement says what keeps a child from the rest of the machine.
type confinement struct {
	namespaces bool // of its own: users, network, processes, mounts, IPC
	nobody     bool // it is not the server's user, which is root
	limits     bool
	files      uint64 // with limits: how many it may have open once it reads
}

// How many files a child may have open once it reads.
const (
	pipes  = 3
	copies = 5 // from 6.1 on ffmpeg works with copies of two of its pipes; it makes that of the output when it has read what the tracks are
	some   = 8
)

// confinements are the ways to run a child, the strictest first.
var confinements = func() (all []confinement) {
	for _, namespaces := range []bool{true, false} {
		for _, nobody := range []bool{true, false} {
			if nobody && os.Getuid() != 0 {
				continue
			}
			for _, files := range []uint64{pipes, copies, some} {
				all = append(all, confinement{namespaces, nobody, true, files})
			}
		}
	}
	return append(all, confinement{namespaces: true}, confinement{})
}()

func (c confinement) String() string {
	var all []string
	if c.namespaces {
		all = append(all, "namespaces")
	}
	if c.nobody {
		all = append(all, "nobody's rights")
	}
	if c.limits {
		all = append(all, "limits")
	}
	switch {
	case c.limits && c.files == pipes:
		all = append(all, "no files")
	case c.limits && c.files == copies:
		all = append(all, "no files but its pipes' copies")
	}
	if len(all) == 0 {
		return "nothing"
	}
	return strings.Join(all, ", ")
}

// nobodyID is the user and the group that have no files.
const nobodyID = 65534

func (c confinement) attributes() *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true}
	uid, gid := os.Getuid(), os.Getgid()
	if c.nobody {
		uid, gid = nobodyID, nobodyID
		a.Credential = &syscall.Credential{Uid: nobodyID, Gid: nobodyID, NoSetGroups: c.namespaces}
	}
	if c.namespaces {
		a.Cloneflags = unix.CLONE_NEWUSER | unix.CLONE_NEWNET | unix.CLONE_NEWPID | unix.CLONE_NEWNS | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: nobodyID, HostID: uid, Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: nobodyID, HostID: gid, Size: 1}}
	}
	return a
}

// maxCPU is how many seconds of a processor a child has.
const maxCPU = 600

// confine limits a child that has been given what is harmless to read. When that has been read, all that the program needs of the file
// system has been opened: from there on it can open nothing.
func (c *child) confine() error {
	if !c.level.limits {
		return nil
	}
	if err := c.untilRead(); err != nil {
		return err
	}
	for resource, most := range map[int]uint64{
		unix.RLIMIT_AS: uint64(c.memory), unix.RLIMIT_CPU: maxCPU, unix.RLIMIT_FSIZE: 0, unix.RLIMIT_CORE: 0, unix.RLIMIT_NOFILE: c.level.files,
	} {
		limit := unix.Rlimit{Cur: most, Max: most}
		if err := c.limit(resource, &limit); err != nil {
			return fmt.Errorf("limit %d: %w", resource, err)
		}
	}
	return nil
}

func (c *child) limit(resource int, limit *unix.Rlimit) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.over {
		return nil
	}
	if err := unix.Prlimit(c.cmd.Process.Pid, resource, limit, nil); err != unix.ESRCH {
		return err
	}
	return nil
}

// untilRead waits until the child has read what was written to it, or is over.
func (c *child) untilRead() error {
	raw, err := c.in.SyscallConn()
	if err != nil {
		return err
	}
	for pause := 100 * time.Microsecond; ; pause = min(2*pause, 5*time.Millisecond) {
		left, asked := 0, error(nil)
		if err := raw.Control(func(fd uintptr) { left, asked = unix.IoctlGetInt(int(fd), unix.TIOCINQ) }); err != nil {
			return err
		}
		if asked != nil || left == 0 {
			return asked
		}
		select {
		case <-c.ended:
			return nil
		case <-time.After(pause):
		}
	}
}

func killGroup(p *os.Process) {
	_ = unix.Kill(-p.Pid, unix.SIGKILL)
	_ = p.Kill()
}

func rootDir() string { return "/" }
