import type { NodeBoard, NodeSheet } from '../../ports/node-board.js';

/** The board of the one gateway that there is. */
export class LocalNodeBoard implements NodeBoard {
  #sheet: NodeSheet | undefined;

  async post(sheet: NodeSheet): Promise<void> {
    this.#sheet = sheet;
  }

  async list(): Promise<NodeSheet[]> {
    return this.#sheet === undefined ? [] : [this.#sheet];
  }

  async withdraw(): Promise<void> {
    this.#sheet = undefined;
  }
}
