//go:build !failpoints

package failpoint

// Here is a point where a test may kill the process; in this build it is nothing.
// The parts of the name are joined with a dash.
func Here(...string) {}
