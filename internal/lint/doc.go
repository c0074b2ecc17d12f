// Package lint has tests that hold the rules of this module which no compiler knows: the arrows between its packages, what a
// library must not call, and that every package says what it is for.
package lint
