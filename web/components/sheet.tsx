/**
 * A list of things as a table that sorts and filters; below 768 px each row is a card. Order and search stand in the
 * address, so they are handed in.
 */
import type { ComponentChildren } from "preact";
import { Icon } from "../icons.tsx";
import { compareValues, matches, pressed, sortingOf, type Value } from "../state/sheet-order.ts";

export interface Column<T> {
  /** Lower-case letters: stands in the address. */
  readonly id: string;
  readonly name: string;
  readonly cell: (row: T) => ComponentChildren;
  /** Absent: nobody sorts by it. */
  readonly order?: (row: T) => Value;
  /** Of numbers: right-aligned, and the highest first. */
  readonly isNumber?: boolean;
  /** Left out where there is little room. */
  readonly isMinor?: boolean;
}

interface SheetProps<T> {
  readonly label: string;
  readonly rows: readonly T[];
  /** The first names the row. */
  readonly columns: readonly Column<T>[];
  readonly keyOf: (row: T) => string;
  /** What a search looks in. */
  readonly textOf: (row: T) => string;
  readonly text: string;
  readonly sort: string;
  readonly onView: (view: { readonly text?: string; readonly sort?: string }) => void;
  readonly openKey?: string | undefined;
  /** Beside the search. */
  readonly aside?: ComponentChildren;
}

/** Below this, looking is quicker than typing. */
const SEARCHED_FROM = 6;

export function Sheet<T>(props: SheetProps<T>) {
  const { label, rows, columns, text, textOf, sort, aside } = props;
  const { column, isDescending } = sortingOf(sort);
  const order = columns.find(({ id }) => id === column)?.order;
  const found = text === "" ? rows : rows.filter((row) => matches(textOf(row), text));
  const shown = order === undefined ? found : found.toSorted((a, b) => compareValues(order(a), order(b), isDescending));
  return (
    <>
      {(rows.length >= SEARCHED_FROM || text !== "" || aside !== undefined) && (
        <div class="filters sheet-tools">
          {(rows.length >= SEARCHED_FROM || text !== "") && <Search {...props} />}
          {aside}
        </div>
      )}
      {shown.length === 0 ? (
        <p class="card-body small muted">{rows.length === 0 ? `${label}: none.` : `Nothing matches “${text}”.`}</p>
      ) : (
        <Table {...props} shown={shown} />
      )}
    </>
  );
}

function Search<T>({ label, text, onView }: SheetProps<T>) {
  return (
    <div class="input-icon">
      <Icon name="search" class="s" />
      <label class="sr" for="q">
        Find in: {label}
      </label>
      <input
        class="input"
        id="q"
        type="search"
        maxLength={80}
        autocomplete="off"
        spellcheck={false}
        value={text}
        onInput={(event) => onView({ text: event.currentTarget.value })}
      />
      <kbd class="wide-only">/</kbd>
    </div>
  );
}

function Table<T>(props: SheetProps<T> & { readonly shown: readonly T[] }) {
  const { label, columns, shown, keyOf, openKey } = props;
  return (
    <div class="table-wrap" tabIndex={0} role="region" aria-label={`List: ${label}`}>
      <table class="table sheet" role="table" aria-label={label}>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((column) => (
              <Head key={column.id} column={column} sort={props.sort} onView={props.onView} />
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {shown.map((row) => (
            <tr role="row" key={keyOf(row)} aria-selected={keyOf(row) === openKey ? "true" : undefined}>
              {columns.map((column, index) => (
                <Cell key={column.id} column={column} isFirst={index === 0}>
                  {column.cell(row)}
                </Cell>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

interface CellProps {
  readonly column: Pick<Column<never>, "name" | "isNumber" | "isMinor">;
  readonly isFirst: boolean;
  readonly children: ComponentChildren;
}

function classOf({ isNumber, isMinor }: CellProps["column"]): string | undefined {
  const names = [isNumber === true ? "r" : "", isMinor === true ? "col-lo" : ""].filter(Boolean);
  return names.length === 0 ? undefined : names.join(" ");
}

function Cell({ column, isFirst, children }: CellProps) {
  if (isFirst) {
    return (
      <th role="rowheader" scope="row">
        {children}
      </th>
    );
  }
  return (
    <td role="cell" class={classOf(column)} data-name={column.name}>
      {children}
    </td>
  );
}

interface HeadProps<T> {
  readonly column: Column<T>;
  readonly sort: string;
  readonly onView: SheetProps<T>["onView"];
}

function Head<T>({ column, sort, onView }: HeadProps<T>) {
  const { column: active, isDescending } = sortingOf(sort);
  const isActive = active === column.id;
  const direction = isDescending ? "descending" : "ascending";
  return (
    <th role="columnheader" scope="col" class={classOf(column)} aria-sort={isActive ? direction : undefined}>
      {column.order === undefined ? (
        column.name === "" ? (
          <span class="sr">Commands</span>
        ) : (
          column.name
        )
      ) : (
        <button
          class="sort"
          type="button"
          onClick={() => onView({ sort: pressed(sort, column.id, column.isNumber === true) })}
        >
          {column.name}
          {isActive && <Icon name={isDescending ? "down" : "up"} />}
        </button>
      )}
    </th>
  );
}
