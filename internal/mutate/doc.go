// Package mutate has a test that damages Matroska files in many ways and sends each through the whole pipeline.
package mutate
