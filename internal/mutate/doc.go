// Package mutate damages Matroska files in many ways. Its test sends each through the whole pipeline, and the end-to-end checks upload them.
package mutate
