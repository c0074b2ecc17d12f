package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/seed63bb8431/weir/internal/rig"
)

// nginx is a server of ready files.
type nginx struct {
	url, dir string
	cmd      *exec.Cmd
	said     bytes.Buffer
	done     chan struct{}
}

const nginxConfig = `daemon off;
%sworker_processes %d;
pid nginx.pid;
error_log stderr error;
events { worker_connections 2048; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 1000000000;
  client_body_temp_path temp; proxy_temp_path temp; fastcgi_temp_path temp; uwsgi_temp_path temp; scgi_temp_path temp;
  default_type application/octet-stream;
  server {
    listen %s backlog=1024;
    root files;
    location /read/ { alias files/; sendfile off; }
  }
}
`

// startNginx starts nginx on the folder "files" of a directory.
func (r *report) startNginx(ctx context.Context, dir string) (*nginx, error) {
	if err := os.MkdirAll(filepath.Join(dir, "files"), 0o755); err != nil {
		return nil, err
	}
	at, err := freeAddress()
	if err != nil {
		return nil, err
	}
	user := ""
	if os.Getuid() == 0 {
		user = "user root;\n" // the directory may be closed to others
	}
	config := filepath.Join(dir, "nginx.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, nginxConfig, user, r.workers, at), 0o600); err != nil {
		return nil, err
	}
	n := &nginx{url: "http://" + at, dir: dir, done: make(chan struct{})}
	n.cmd = exec.CommandContext(ctx, r.nginx, "-p", dir, "-e", "stderr", "-c", config)
	n.cmd.Stderr = &n.said
	n.cmd.Cancel = func() error { return n.cmd.Process.Signal(os.Interrupt) } // its workers have to end too
	n.cmd.WaitDelay = 10 * time.Second
	if err := n.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = n.cmd.Wait() // what it said is told
		close(n.done)
	}()
	if err := n.ready(ctx); err != nil {
		n.stop()
		return nil, fmt.Errorf("nginx: %w\n%s", err, n.said.String())
	}
	return n, nil
}

// freeAddress returns an address that nobody listens on.
func freeAddress() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	at := l.Addr().String()
	return at, l.Close()
}

// ready waits until the server answers.
func (n *nginx) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	for {
		res, err := get(ctx, http.DefaultClient, n.url+"/")
		if err == nil {
			return res.Body.Close()
		}
		select {
		case <-n.done:
			return errors.New("it has ended")
		default:
		}
		if err := sleep(ctx, 20*time.Millisecond); err != nil {
			return err
		}
	}
}

func (n *nginx) stop() {
	_ = n.cmd.Process.Signal(os.Interrupt) // it may be gone already
	<-n.done
}

// put makes a file and returns its URLs: of the kernel's sendfile, and of what nginx reads and writes itself.
func (n *nginx) put(name string, body []byte) (sent, read string, err error) {
	return n.url + "/" + name, n.url + "/read/" + name, os.WriteFile(filepath.Join(n.dir, "files", name), body, 0o644)
}

// cpu is the processor time of the workers and of the process that started them.
func (n *nginx) cpu() (time.Duration, error) {
	pid := strconv.Itoa(n.cmd.Process.Pid)
	children, err := os.ReadFile(filepath.Join("/proc", pid, "task", pid, "children"))
	if err != nil {
		return 0, err
	}
	var all time.Duration
	for _, child := range append(bytes.Fields(children), []byte(pid)) {
		id, err := strconv.Atoi(string(child))
		if err != nil {
			return 0, err
		}
		u, err := rig.UsageOf(id)
		if err != nil {
			return 0, err
		}
		all += u.CPU
	}
	return all, nil
}
