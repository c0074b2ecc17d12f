// Package rig runs a built server as a process of its own and talks to it as producers and callers do. It is for the commands that
// measure the server, those that kill it, and tests of what sessions serve.
package rig
