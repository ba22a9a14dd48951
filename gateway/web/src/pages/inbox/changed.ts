import { useQueryClient } from "@tanstack/react-query";

/** Has everything that shows tasks read anew, then does what follows. */
export function useTasksChanged(): (then: () => void) => void {
  const known = useQueryClient();
  return (then) => {
    for (const key of ["tasks", "instance", "applications"]) known.invalidateQueries({ queryKey: [key] });
    then();
  };
}
