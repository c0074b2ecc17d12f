package rig

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"time"
)

// Server is a server process. Its methods may be called from several goroutines at once.
type Server struct {
	URL   string    // such as "http://127.0.0.1:40123"
	PID   int       // of the process
	Began time.Time // just before the process was started
	// Metrics is the URL of the figures of a server that was started with --metrics, such as "http://127.0.0.1:40124/metrics".
	Metrics string

	cmd  *exec.Cmd
	done chan struct{} // closed when the process has ended
	err  error         // how it ended; set before done is closed

	mu   sync.Mutex
	tail []string
}

// tailLines is how much of a server's log is kept.
const tailLines = 60

// Spawn starts "BINARY serve" on a data directory and a free port of the loopback, without waiting for it. It ends with ctx.
func Spawn(ctx context.Context, binary, data string, flags ...string) (*Server, error) {
	s, _, err := spawn(ctx, binary, data, flags)
	return s, err
}

// Start is Spawn for a server that is to be used: it returns when the server says where it listens. The error of a server that ends
// before that has its log.
func Start(ctx context.Context, binary, data string, flags ...string) (*Server, error) {
	s, url, err := spawn(ctx, binary, data, flags)
	if err != nil {
		return nil, err
	}
	select {
	case s.URL = <-url:
		if at, ok := address(s.Log(), "metrics"); ok {
			s.Metrics = at
		}
		return s, nil
	case <-s.done:
		return nil, fmt.Errorf("rig: the server ended before it served: %w\n%s", cause(s.err), s.Log())
	}
}

func cause(err error) error {
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}

func spawn(ctx context.Context, binary, data string, flags []string) (*Server, <-chan string, error) {
	args := append([]string{"serve", "--data", data, "--listen", "127.0.0.1:0"}, flags...)
	s := &Server{cmd: exec.CommandContext(ctx, binary, args...), done: make(chan struct{})}
	stderr, err := s.cmd.StderrPipe()
	if err != nil {
		return nil, nil, fmt.Errorf("rig: %w", err)
	}
	s.Began = time.Now()
	if err := s.cmd.Start(); err != nil {
		return nil, nil, fmt.Errorf("rig: %w", err)
	}
	s.PID = s.cmd.Process.Pid
	url := make(chan string, 1)
	go func() {
		s.follow(stderr, url)
		s.err = s.cmd.Wait()
		close(s.done)
	}()
	return s, url, nil
}

// follow reads the log until its end, and says once where the server listens.
func (s *Server) follow(log io.Reader, url chan<- string) {
	told := false
	lines := bufio.NewScanner(log)
	for lines.Scan() {
		line := lines.Text()
		s.mu.Lock()
		if s.tail = append(s.tail, line); len(s.tail) > tailLines {
			s.tail = s.tail[1:]
		}
		s.mu.Unlock()
		if at, ok := address(line, "url"); ok && !told {
			told = true
			url <- at
		}
	}
	_, _ = io.Copy(io.Discard, log) // behind a line that is too long
}

// address finds an address of the line in which a server says that it serves.
func address(line, name string) (string, bool) {
	_, rest, ok := strings.Cut(line, name+"=http://")
	if !ok {
		return "", false
	}
	host, _, _ := strings.Cut(rest, " ")
	host, _, _ = strings.Cut(host, "\n")
	return "http://" + host, host != ""
}

// Log returns the last lines that the server logged.
func (s *Server) Log() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.tail, "\n")
}

// Done is closed when the process has ended.
func (s *Server) Done() <-chan struct{} { return s.done }

// Kill ends the process without giving it time for anything, and waits until it is gone.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill() // it may be gone already
	<-s.done
}

// Stop asks the server to end and waits until it has. A server that has not ended in time is killed; the error of one that did not
// end well has its log.
func (s *Server) Stop(within time.Duration) error {
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.Kill() // where there is no such signal
		return nil
	}
	select {
	case <-s.done:
	case <-time.After(within):
		s.Kill()
		return fmt.Errorf("rig: the server did not end within %v\n%s", within, s.Log())
	}
	if s.err != nil {
		return fmt.Errorf("rig: the server ended with %w\n%s", s.err, s.Log())
	}
	return nil
}
